package main

func Example() {
	main()
	// Output:
	// 500 of 1000: half of 1000 rows are in
	// the task was told: job was canceled
	// canceled
}
