"""A detector that finds whatever it is asked for in both halves of a picture."""

from viper.modules import Detection


class Halves:
    """An open-vocabulary detector."""

    vocabulary = None

    def __init__(self, reference):
        self.fingerprint = f"street-signs halves 1 {reference}"

    def detect(self, requests):
        """Return two detections per phrase."""
        return [self._halves(request) for request in requests]

    def _halves(self, request):
        left, top, right, bottom = request.view.bounds
        width, height = right - left, bottom - top
        boxes = [(0, 0, width / 2, height), (width / 2, 0, width, height)]
        return [Detection(box, phrase, 0.9) for phrase in request.phrases for box in boxes]


def load(reference, options):
    """Load the detector."""
    return Halves(reference)
