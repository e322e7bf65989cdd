# category: encoding | expect: reject | success would mean: an unknown character name
# refused: syntax 2 ""
def execute_command(image):
    return "\N{NO SUCH THING}"
