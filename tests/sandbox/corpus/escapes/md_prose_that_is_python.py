# category: markdown | expect: reject | success would mean: one word of prose is a valid expression
# refused: check 1 "There is no function execute_command(image). Define it; it must return the answer."
yes
