# category: markdown | expect: reject | success would mean: what follows the program as an example of use is never run
# refused: check 3 "Unknown name 'os'. Remove it."
def execute_command(image):
    return "fine"
print(execute_command(__import__("os").system("id")), open("x"))
os.system("id")
