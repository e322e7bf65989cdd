# legit: a dict of functions | must run
# value: {'count': 2, 'there': False, 'color': 'green'}
def execute_command(image):
    p = ImagePatch(image)
    tests = {
        "count": lambda: len(p.find("dog")),
        "there": lambda: p.exists("unicorn"),
        "color": lambda: p.find("cat")[0].simple_query("What color is it?"),
    }
    return {name: test() for name, test in tests.items()}
