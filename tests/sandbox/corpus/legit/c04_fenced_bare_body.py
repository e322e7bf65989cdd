# legit: a Markdown fence around a body without a function | must run
# value: 2
```python
image_patch = ImagePatch(image)
dogs = image_patch.find("dog")
return len(dogs)
```
