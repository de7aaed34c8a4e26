"""The sample collection: documents, questions and judgements, all written for this project. Data only."""
