package main

func Example() {
	main()
	// Output:
	// 144
	// 49
	// 5000 failed: 5000 is more than 1000
	// 25000000
}
