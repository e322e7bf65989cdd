"""Benchmark tasks: each reads the official files in their published format.

json_files.py     JSON files and their rows, with errors that name the expected content
jsonl.py          your own data
clevr.py · gqa.py · refcoco.py · vqa.py
plain_pickle.py   the pickles of the RefCOCO family, read without executing them
"""
