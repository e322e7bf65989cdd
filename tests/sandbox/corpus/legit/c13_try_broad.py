# legit: the broad except that models like | must run
# value: 'unknown'
def execute_command(image):
    try:
        patch = ImagePatch(image).find("unicorn")[0]
        return patch.simple_query("What is it?")
    except Exception as e:
        print("Error:", e)
        return "unknown"
