# category: markdown | expect: reject | success would mean: a fence that is never closed
# refused: policy 2 "'globals' is not part of programs: use a dict of your own."
```python
def execute_command(image):
    return "ESCAPED:" + repr(globals())
