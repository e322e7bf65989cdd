# legit: the old format operator | must run
# value: '2 cars (few), 66.67%'
def execute_command(image):
    n = len(ImagePatch(image).find("car"))
    return "%d cars (%s), %5.2f%%" % (n, "few" if n < 3 else "many", n / 3 * 100)
