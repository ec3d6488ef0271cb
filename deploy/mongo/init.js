// Runs once, when the database is made: a user that may read and write onehop's database, and no other.
db.getSiblingDB("onehop").createUser({
  user: "onehop",
  pwd: process.env.ONEHOP_DB_PASSWORD,
  roles: [{ role: "readWrite", db: "onehop" }],
});
