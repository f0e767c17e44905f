package main

func Example() {
	main()
	// Output:
	// (-4+3i)
	// (1-1i)
}
