# category: attr-walk | expect: deny | success would mean: an attribute that patches have, asked of an exception that holds more
# refused: runtime 5 "AttributeError: 'IndexError' object has no attribute 'left' here."
def execute_command(image):
    try:
        image.find("unicorn")[0]
    except IndexError as error:
        return "ESCAPED:" + repr(error.left)
