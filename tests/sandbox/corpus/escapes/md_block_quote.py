# category: markdown | expect: reject | success would mean: a program in a block quote is no program
# refused: syntax 1 ""
> def execute_command(image):
>     return "ESCAPED"
