using System.Buffers.Binary;
using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using GemmaScope.Files;
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

    public void LockSchema(DbConnection connection, DbTransaction transaction)
    {
        using var command = connection.CreateCommand();
        (command.Transaction, command.CommandText) = (transaction, $"SELECT pg_advisory_xact_lock({SchemaLock})");
        command.ExecuteNonQuery();
    }

    public IDisposable Reserve(string dictionary)
    {
        var (key, connection) = (
            BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(dictionary))),
            _source.OpenConnection()
        );
        try
        {
            // Whoever disposes the statements closes the connection, which is to stay open.
            var statements = new SqlStatements(connection);
            statements.Run("SELECT set_config('application_name', @name, false)", ("name", $"gemmascope, process {Environment.ProcessId}"));
            if (statements.Rows("SELECT pg_try_advisory_lock(@key)", row => row.GetBoolean(0), ("key", key)) is [true])
                return new Reservation(connection);
            var holder = statements.Rows(
                """
                SELECT application_name, COALESCE(CAST(client_addr AS text), 'the same machine') FROM pg_stat_activity
                WHERE pid = (
                    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = @high AND objid = @low LIMIT 1)
                """,
                row => $"{row.GetString(0)} of {row.GetString(1)}",
                ("high", (long)(uint)(key >> 32)),
                ("low", (long)(uint)key)
            );
            throw FileLock.Held(Location, dictionary, holder.FirstOrDefault());
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public string Query(IEnumerable<string> beginnings) => string.Join(" & ", beginnings.Select(word => $"{word}:*"));

    // The database may hold tables of others beside ours.
    public void RequireOwn(DbConnection connection, DbTransaction transaction) { }

    public string Explain(DbException problem) =>
        problem switch
        {
            PostgresException { SqlState: PostgresErrorCodes.DiskFull } =>
                "no space left on the server's disk; free some space and do the same again",
            PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction } =>
                "the database is read-only; name one that can be written",
            PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } =>
                $"the user may not do that ({problem.Message}); name one who owns the tables",
            PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } =>
                $"the server refuses the user ({problem.Message}); check user and password",
            PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } => "there is no such database on the server; create it",
            NpgsqlException { InnerException: System.Net.Sockets.SocketException } => $"{problem.Message}; is the server running?",
            _ => $"the database says: {problem.Message}",
        };

    public void Dispose() => _source.Dispose();

    /// <summary>A connection that holds locks. The pool would give them back only when the connection is used again.</summary>
    private sealed class Reservation(NpgsqlConnection connection) : IDisposable
    {
        public void Dispose()
        {
            try
            {
                using var command = connection.CreateCommand();
                command.CommandText = "SELECT pg_advisory_unlock_all()";
                command.ExecuteNonQuery();
            }
            catch (DbException)
            {
                // A connection that is broken holds nothing any more.
            }
            connection.Dispose();
        }
    }

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
