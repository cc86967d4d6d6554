using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using GemmaScope.Files;
using Microsoft.Data.Sqlite;

namespace GemmaScope.Store;

/// <summary>
/// A file. Written ahead (WAL), so that readers go on while a build writes, and a killed process loses no more than its last transaction;
/// who finds it locked waits.
/// </summary>
internal sealed class SqliteDialect : ISqlDialect
{
    private const int BusyMilliseconds = 10_000,
        CacheKibibytes = 8192,
        Full = 13,
        Busy = 5,
        InputOutput = 10;

    private readonly string _connection;
    private readonly long? _largestPages;
    private readonly Lock _watching = new();
    private SqlStatements? _watch;

    static SqliteDialect() => SQLitePCL.Batteries_V2.Init();

    /// <param name="file">The file; made where it is missing.</param>
    /// <param name="largestPages">Pages the file may have, as on a disk that has no room for more; null for any.</param>
    public SqliteDialect(string file, long? largestPages = null)
    {
        (Location, _largestPages) = (file, largestPages);
        _connection = new SqliteConnectionStringBuilder
        {
            DataSource = file,
            Mode = SqliteOpenMode.ReadWriteCreate,
            DefaultTimeout = BusyMilliseconds / 1000,
        }.ConnectionString;
    }

    public string Location { get; }

    public string WriteWords => "INSERT OR REPLACE INTO words (rowid, labels, tokens) VALUES (@id, @labels, @tokens)";

    public string FindWords =>
        "SELECT rowid FROM words WHERE words MATCH @query AND rowid >= @first AND rowid < @end ORDER BY rank LIMIT @limit";

    public DbConnection Open()
    {
        var connection = new SqliteConnection(_connection);
        connection.Open();
        using var settings = connection.CreateCommand();
        settings.CommandText =
            $"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = {BusyMilliseconds}; "
            + $"PRAGMA foreign_keys = ON; PRAGMA cache_size = -{CacheKibibytes};"
            + (_largestPages is { } pages ? $"PRAGMA max_page_count = {pages};" : "");
        settings.ExecuteNonQuery();
        return connection;
    }

    public bool KeepsReaders => true;

    /// <inheritdoc/>
    /// <remarks>The number counts what other connections have changed since this one was opened, so that it has to be the same one every
    /// time.</remarks>
    public string Version()
    {
        lock (_watching)
        {
            _watch ??= new SqlStatements(Open());
            return string.Create(CultureInfo.InvariantCulture, $"{_watch.Number("PRAGMA data_version")}");
        }
    }

    public string Translate(string statement) =>
        statement
            .Replace("{key}", "INTEGER PRIMARY KEY", StringComparison.Ordinal)
            .Replace("{blob}", "BLOB", StringComparison.Ordinal)
            .Replace("{real}", "REAL", StringComparison.Ordinal)
            .Replace("{score}", "json_extract(labels, '$[0].Score')", StringComparison.Ordinal)
            .Replace("{words}", "CREATE VIRTUAL TABLE words USING fts5(labels, tokens, prefix = '2 3')", StringComparison.Ordinal);

    // A transaction that will write takes the lock when it begins.
    public void LockSchema(DbConnection connection, DbTransaction transaction) { }

    public IDisposable Reserve(string dictionary)
    {
        // Beside the file itself, by whichever link it was opened.
        var file = new FileInfo(Location).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? Path.GetFullPath(Location);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(dictionary)))[..8];
        return FileLock.Take($"{file}-{hash}.lock", Location, dictionary);
    }

    public string Query(IEnumerable<string> beginnings) => string.Join(' ', beginnings.Select(word => $"\"{word}\"*"));

    public string Cure(DbException problem) =>
        problem is not SqliteException sqlite
            ? ""
            : sqlite.SqliteErrorCode switch
            {
                Full => "; free some space and do the same again",
                InputOutput => "; the disk may be full, or not answer",
                Busy => "; another process writes to it: wait for it, or stop it",
                _ => "",
            };

    public void Dispose()
    {
        lock (_watching)
            _watch?.Dispose();
        SqliteConnection.ClearPool(new SqliteConnection(_connection));
    }
}
