"""What is kept how long: words, numbers and recordings of residents go when their time is over; what was done stays on record."""
