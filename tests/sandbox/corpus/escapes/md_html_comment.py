# category: markdown | expect: reject | success would mean: a program inside an HTML comment
# refused: policy 2 "'vars' is not part of programs: use a dict of your own."
<!--
def execute_command(image):
    return "ESCAPED:" + repr(vars(image))
-->
