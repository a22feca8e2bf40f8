// What the pages of the web app share.
export const byId = (id) => document.getElementById(id);

// Returns a new element with attributes and what is in it.
export const made = (tag, attributes = {}, ...inner) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inner);
  return element;
};

// Returns the document that the server answers with; throws its sentence where it refuses.
export const ask = async (address, options) => {
  const response = await fetch(address, options);
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return answer;
};
