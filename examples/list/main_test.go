package main

func Example() {
	main()
	// Output:
	// 3 messages wait
	// to ada: hello
	// to bob: hi
	// to cat: good morning
	// get from "mail": queue is empty
	// a string
	// map[id:9007199254740993]
}
