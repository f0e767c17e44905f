package main

func Example() {
	main()
	// Output:
	// 12 squared is 144
}
