package main

func Example() {
	main()
	// Output:
	// 25
	// 20
	// divide(0) failed: panic: runtime error: integer divide by zero
	// 	which wraps runtime.errorString: runtime error: integer divide by zero
	// 	and its stack trace leads to this file
	// price("9,99") failed: read the price: strconv.ParseFloat: parsing "9,99": invalid syntax
	// 	which wraps *strconv.NumError: strconv.ParseFloat: parsing "9,99": invalid syntax
	// 	which wraps *errors.errorString: invalid syntax
	// requeued 2
	// nothing to divide
	// 9.99
}
