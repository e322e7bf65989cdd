# legit: helper and entry in two fenced blocks with the entry complete in the second | must run
# value: 1600.0
First, a helper:

```python
def area(p):
    return p.width * p.height
```

Now the full program:

```python
def area(p):
    return p.width * p.height

def execute_command(image):
    return max(area(p) for p in ImagePatch(image).find("dog"))
```
