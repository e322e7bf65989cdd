# category: syntax | expect: reject | success would mean: loop / with / comprehension target rebinding a guard
# refused: policy 2 "Names like _this_ and __this are reserved, got '_getiter_'. Write 'getiter'."
def execute_command(image):
    for _getiter_ in [lambda x: x]:
        pass
    return [_getattr_ for _getattr_ in [1]]
