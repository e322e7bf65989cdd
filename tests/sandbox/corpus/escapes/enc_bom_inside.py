# category: encoding | expect: reject | success would mean: a byte order mark in the middle
# refused: syntax 2 ""
def execute_command(image):
    @BOM@return "ESCAPED"
