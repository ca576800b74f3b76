//! What the server offers, whatever the wire: tools by their names, resources, views of workflows, errors by blame.
