# legit: finally and else around calls | must run
# value: ['found', 'done', 2]
def execute_command(image):
    steps = []
    try:
        n = len(ImagePatch(image).find("dog"))
    except (TypeError, ValueError):
        steps.append("failed")
    else:
        steps.append("found")
    finally:
        steps.append("done")
    return steps + [n]
