package main

func Example() {
	main()
	// Output:
	// urgent
	// first
	// second
	// at its time
	// in a while
}
