package main

func Example() {
	main()
	// Output:
	// compile 1.0
	// compile 1.1
	// test 1.0
	// pack 1.0
	// pack 1.1
	// publish 1.0
	// published
	// not published
}
