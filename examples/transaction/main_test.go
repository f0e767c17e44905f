package main

func Example() {
	main()
	// Output:
	// no order: we have no yacht
	// 2 orders, 2 shipments
}
