package main

func Example() {
	main()
	// Output:
	// compile 1.0
	// test 1.0
	// pack 1.0
	// publish 1.0
	// published 1.0
	// compile 1.1
	// pack 1.1
	// not published 1.1
}
