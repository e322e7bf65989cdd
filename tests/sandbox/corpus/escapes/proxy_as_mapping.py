# category: proxies | expect: deny | success would mean: ** with a patch asks it for keys
# refused: runtime 4 "TypeError: program.execute_command.<locals>.f() argument after ** must be a mapping, not ImagePatch"
def execute_command(image):
    def f(**k):
        return k
    return "ESCAPED:%s" % f(**image)
