using System.Data.Common;
using Npgsql;

namespace GemmaScope.Store;

/// <summary>A PostgreSQL server.</summary>
internal sealed class PostgresDialect : ISqlDialect
{
    /// <summary>The number under which programs that open the database at the same time wait for each other.</summary>
    private const long SchemaLock = 0x67656D6D61;

    private const int PreparedStatements = 32;

    private readonly NpgsqlDataSource _source;

    /// <param name="address"><c>postgres://user:password@host:port/database</c>, or the key=value form of Npgsql.</param>
    /// <exception cref="ArgumentProblemException">It is neither.</exception>
    public PostgresDialect(string address)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(FeatureDatabase.IsPostgres(address) ? FromAddress(new Uri(address)) : address);
            // Statements that come again are prepared, unless the address says otherwise.
            if (settings.MaxAutoPrepare == 0)
                settings.MaxAutoPrepare = PreparedStatements;
            // A message must not show the password.
            Location = $"postgres://{settings.Host}/{settings.Database}";
            _source = NpgsqlDataSource.Create(settings);
        }
        catch (Exception problem) when (problem is ArgumentException or UriFormatException)
        {
            throw new ArgumentProblemException(
                "is no address of a database; write postgres://user:password@host/database",
                "database",
                problem
            );
        }
    }

    public string Location { get; }

    public string WriteWords =>
        """
            INSERT INTO words (id, labels, tokens) VALUES (@id, @labels, @tokens)
            ON CONFLICT (id) DO UPDATE SET labels = excluded.labels, tokens = excluded.tokens
            """;

    public string FindWords =>
        """
            SELECT id FROM words WHERE words @@ to_tsquery('simple', @query) AND id >= @first AND id < @end
            ORDER BY ts_rank(words, to_tsquery('simple', @query)) DESC, id LIMIT @limit
            """;

    public bool KeepsReaders => false;

    public DbConnection Open() => _source.OpenConnection();

    public void RequireThere() { }

    /// <inheritdoc/>
    /// <remarks>Which transactions are seen: any that changes something has a number, here or in another database of the server.</remarks>
    public string Version()
    {
        using var statements = new SqlStatements(Open());
        return statements.Rows("SELECT CAST(pg_current_snapshot() AS text)", row => row.GetString(0))[0];
    }

    public string Translate(string statement) =>
        statement
            .Replace("{key}", "BIGINT PRIMARY KEY", StringComparison.Ordinal)
            .Replace("{blob}", "BYTEA", StringComparison.Ordinal)
            .Replace("{real}", "DOUBLE PRECISION", StringComparison.Ordinal)
            .Replace("{score}", "(labels::json -> 0 ->> 'Score')::double precision", StringComparison.Ordinal)
            .Replace(
                "{words}",
                """
                CREATE TABLE words (
                    id BIGINT PRIMARY KEY, labels TEXT NOT NULL, tokens TEXT NOT NULL,
                    words TSVECTOR GENERATED ALWAYS AS (
                        setweight(to_tsvector('simple', labels), 'A') || setweight(to_tsvector('simple', tokens), 'B')) STORED);
                CREATE INDEX words_index ON words USING GIN (words)
                """,
                StringComparison.Ordinal
            );

    public void LockSchema(DbConnection connection)
    {
        // Held until the connection is given back.
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT pg_advisory_lock({SchemaLock})";
        command.ExecuteNonQuery();
    }

    public string Query(IEnumerable<string> beginnings) => string.Join(" & ", beginnings.Select(word => $"{word}:*"));

    public string Cure(DbException problem) =>
        problem is NpgsqlException { InnerException: System.Net.Sockets.SocketException } ? "; is the server running?" : "";

    public void Dispose() => _source.Dispose();

    private static string FromAddress(Uri address)
    {
        var user = address.UserInfo.Split(':', 2);
        var settings = new NpgsqlConnectionStringBuilder
        {
            Host = address.Host,
            Database = Uri.UnescapeDataString(address.AbsolutePath.Trim('/')),
        };
        if (address.Port > 0)
            settings.Port = address.Port;
        if (user[0].Length > 0)
            settings.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1)
            settings.Password = Uri.UnescapeDataString(user[1]);
        return settings.ConnectionString;
    }
}
