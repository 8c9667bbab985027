"""Networks: training, honest measures, calibration, the saved model. Home of Keras, scikit-learn and matplotlib.

Importing this package loads none of them; its modules do when they are needed.
"""
