# category: syntax | expect: reject | success would mean: an entry that is a lambda
# refused: check 1 "execute_command never returns a value. End it with 'return'."
execute_command = lambda image: "ESCAPED"
