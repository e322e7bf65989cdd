# category: syntax | expect: harmless | success would mean: del of a shadowed builtin exposes the real one
# refused: policy 5 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    len = 3
    del len
    try:
        return "ESCAPED:" + repr(len.__class__) if False else "ok"
    except Exception:
        return "ok"
