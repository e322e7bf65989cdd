# category: markdown | expect: reject | success would mean: a bare body is checked like any other program
# refused: policy 3 "Names like _this_ and __this are reserved, got '__import__'. Remove it."
x = 1
y = __import__("os").system("id")
return "ESCAPED"
