# category: attr-walk | expect: reject | success would mean: finding subprocess.Popen among subclasses and running a command
# refused: policy 2 "The attribute '__base__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
# os: escapes
def execute_command(image):
    for k in "".__class__.__base__.__subclasses__():
        if k.__name__ == "Popen":
            k(["touch", "@CANARY_DIR@/escape_canary"])
            return "ESCAPED:popen"
