# category: encoding | expect: reject | success would mean: tabs and spaces that disagree
# refused: syntax 3 ""
def execute_command(image):
	if image:
        return "ESCAPED"
