"""Lets a text-only language model answer questions about images: LiMBeR (Merullo et al. 2022).

    image ──── encoder (frozen) ── features (D,)
                                      │  one linear map, the only trained part
                                      ▼
                          k soft prompts (k, E)  +  "question: … answer:" ── language model (frozen)
                                                                                 ▼
                                                                             an answer

It works because representations of images and words differ by little more than a linear map
(https://arxiv.org/abs/2209.15162).

model           the map and the frozen language model: loss, answers
examples        the file of captions and questions for training
training        trains the map
training_loop   the optimization loop, with checkpoints
evaluation      accuracy, beside a matcher with the same options and a blind control
experiment      all of it: `viper train limber`
folder          the folder of a trained map
answerer        the backend: `--backend answerer=limber:FOLDER`
"""
