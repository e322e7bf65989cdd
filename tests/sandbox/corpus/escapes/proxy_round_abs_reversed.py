# category: proxies | expect: deny | success would mean: builtins that call a special method
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % round(abs(reversed(image)))
