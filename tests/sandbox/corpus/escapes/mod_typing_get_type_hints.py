# category: modules | expect: reject | success would mean: typing.get_type_hints evaluates texts
# refused: check 3 "The module typing has no attribute 'get_type_hints' here. There is AbstractSet, Annotated, Any, Callable, Clas"
import typing
def execute_command(image):
    return "ESCAPED:" + repr(typing.get_type_hints(image))
