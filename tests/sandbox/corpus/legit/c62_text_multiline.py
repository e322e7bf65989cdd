# legit: a docstring and a text of several lines | must run
# value: ['people:', '  3']
def execute_command(image):
    """Count.

    def not_code(): pass
    """
    report = """people:
  {}
""".format(len(ImagePatch(image).find("person")))
    return report.strip().splitlines()
