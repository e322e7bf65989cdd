# category: markdown | expect: reject | success would mean: fences of two kinds, one inside the other
# refused: policy 5 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
```python
def execute_command(image):
    text = """
~~~
"""
    return "ESCAPED:" + repr(image.__class__)
```
