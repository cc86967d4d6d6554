using System.Data.Common;
using System.Globalization;

namespace GemmaScope.Store;

/// <summary>
/// The tables, in steps: a database tells how many it has, and the others are made when it is opened. A step that is released is never
/// changed. A feature's key is its dictionary's number times 2^32 plus its index, a passage's its corpus' number times 2^32 plus its
/// sequence: each is found by one look into one index.
/// </summary>
internal static class Schema
{
    /// <summary>{key}, {blob}, {real}, {words} and {score} (that of the first of labels) stand for what each database calls them.</summary>
    private static readonly string[][] Steps =
    [
        [
            "CREATE TABLE vocabulary (id {key}, hash TEXT NOT NULL UNIQUE, pieces {blob} NOT NULL)",
            """
                CREATE TABLE corpus (
                    id {key}, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE,
                    sequences BIGINT NOT NULL, positions BIGINT NOT NULL, counted BIGINT NOT NULL, longest BIGINT NOT NULL)
                """,
            "CREATE TABLE passage (id {key}, tokens {blob} NOT NULL)",
            """
                CREATE TABLE dictionary (
                    id {key}, model TEXT NOT NULL, name TEXT NOT NULL, width BIGINT NOT NULL, features BIGINT NOT NULL,
                    complete BIGINT NOT NULL, description TEXT NOT NULL,
                    set_name TEXT NOT NULL, layer BIGINT NOT NULL, hook TEXT, bos BIGINT, pad BIGINT,
                    corpus BIGINT NOT NULL REFERENCES corpus (id), vocabulary BIGINT NOT NULL REFERENCES vocabulary (id),
                    UNIQUE (model, name))
                """,
            "CREATE TABLE feature (id {key}, count BIGINT NOT NULL, density {real} NOT NULL, max {real} NOT NULL, label TEXT)",
            "CREATE TABLE page (id {key}, page {blob} NOT NULL, labels TEXT NOT NULL, note TEXT NOT NULL)",
            "CREATE TABLE list (id {key}, name TEXT NOT NULL UNIQUE, note TEXT NOT NULL)",
            """
                CREATE TABLE list_entry (
                    list BIGINT NOT NULL REFERENCES list (id), feature BIGINT NOT NULL, place BIGINT NOT NULL, note TEXT NOT NULL,
                    PRIMARY KEY (list, feature))
                """,
            "{words}",
        ],
        [
            "ALTER TABLE feature ADD COLUMN score {real}",
            "UPDATE feature SET score = (SELECT {score} FROM page WHERE page.id = feature.id) WHERE label IS NOT NULL",
        ],
        [
            """
                CREATE TABLE evaluation (
                    dictionary BIGINT NOT NULL REFERENCES dictionary (id), made_by TEXT NOT NULL, measured_on TEXT NOT NULL,
                    held_out BIGINT, tokens BIGINT NOT NULL,
                    l0 {real}, fvu {real}, cosine {real}, ce_clean {real}, delta_loss {real}, loss_recovered {real},
                    PRIMARY KEY (dictionary, made_by, measured_on))
                """,
        ],
        // Pages are written as bits by their likelihood (PageCodec), which earlier programs cannot read; those that are there stay.
        [],
    ];

    /// <summary>The number of steps that this program knows.</summary>
    public static int Version => Steps.Length;

    /// <summary>Whether a database is of this version, so that nothing has to be written to open it.</summary>
    public static bool IsCurrent(DbConnection connection)
    {
        try
        {
            return Found(connection, null) == Version;
        }
        catch (DbException)
        {
            // It has no such table yet; whatever else is wrong comes again.
            return false;
        }
    }

    /// <summary>Brings a database to this version.</summary>
    /// <exception cref="GemmaScopeException">It was made by a later version, or by another program.</exception>
    public static void Migrate(DbConnection connection, DbTransaction transaction, ISqlDialect dialect)
    {
        dialect.LockSchema(connection, transaction);
        dialect.RequireOwn(connection, transaction);
        Execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)");
        var version = Found(connection, transaction);
        if (version > Version)
            throw new GemmaScopeException(
                $"has schema {version}, this program knows {Version}; use a newer version of it",
                dialect.Location
            );
        for (; version < Version; version++)
        {
            foreach (var statement in Steps[version])
                Execute(dialect.Translate(statement));
            Execute(string.Create(CultureInfo.InvariantCulture, $"INSERT INTO schema_version (version) VALUES ({version + 1})"));
        }

        void Execute(string text)
        {
            using var command = connection.CreateCommand();
            (command.Transaction, command.CommandText) = (transaction, text);
            command.ExecuteNonQuery();
        }
    }

    /// <summary>How many steps a database has; 0 where none.</summary>
    private static int Found(DbConnection connection, DbTransaction? transaction)
    {
        using var read = connection.CreateCommand();
        (read.Transaction, read.CommandText) = (transaction, "SELECT MAX(version) FROM schema_version");
        return read.ExecuteScalar() is { } found and not DBNull
            ? (int)Math.Clamp(Convert.ToInt64(found, CultureInfo.InvariantCulture), 0, int.MaxValue)
            : 0;
    }
}
