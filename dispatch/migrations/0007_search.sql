-- What is searched of an article: its words in one width and case. A row is missing until the article is indexed.
CREATE TABLE article_texts (
  article_id BIGINT PRIMARY KEY REFERENCES articles (id) ON DELETE CASCADE,
  title TEXT NOT NULL,
  text TEXT NOT NULL
);

-- Which articles a term is in: two characters side by side, or a word of letters and digits (dispatch.search.terms).
CREATE TABLE article_terms (
  term TEXT NOT NULL,
  article_id BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  PRIMARY KEY (term, article_id)
) {clustered};
CREATE INDEX article_terms_by_article ON article_terms (article_id);
