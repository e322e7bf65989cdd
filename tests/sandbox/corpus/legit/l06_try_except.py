# legit: try/except/else/finally | must run
# value: 'thing'
def execute_command(image):
    ip = ImagePatch(image)
    try:
        patch = ip.find("unicorn")[0]
    except IndexError as e:
        patch = ip
    else:
        patch = patch.crop(0, 0, 5, 5)
    finally:
        done = True
    return patch.simple_query("What is this?")
