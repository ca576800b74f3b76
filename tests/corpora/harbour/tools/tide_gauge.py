"""Reads the tide gauge at Coal Quay and raises the surge alarm."""

# The gauge sends one reading every 6 minutes.
READING_INTERVAL_S = 360
# The surge alarm goes off when the water stands this much above the prediction.
SURGE_ALARM_M = 0.8


def is_surge(measured_m: float, predicted_m: float) -> bool:
    """Whether the water is high enough above the prediction for the surge alarm."""
    return measured_m - predicted_m >= SURGE_ALARM_M


def smooth(readings: list[float]) -> float:
    """The median of the last five readings, so that a passing wash raises no alarm."""
    last = sorted(readings[-5:])
    return last[len(last) // 2]
