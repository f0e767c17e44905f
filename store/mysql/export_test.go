package mysql

// Bind is bind, for tests that have its text carried out.
var Bind = bind
