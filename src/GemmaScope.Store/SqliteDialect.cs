using System.Data.Common;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using GemmaScope.Files;
using Microsoft.Data.Sqlite;

namespace GemmaScope.Store;

/// <summary>
/// A file. Written ahead (WAL), so that readers go on while a build writes, and a killed process loses no more than its last transaction;
/// who finds it locked waits.
/// </summary>
internal sealed partial class SqliteDialect : ISqlDialect
{
    private const int BusyMilliseconds = 10_000,
        CacheKibibytes = 8192,
        LeastFree = 1 << 16;

    private const int Busy = 5,
        Locked = 6,
        ReadOnly = 8,
        InputOutput = 10,
        Corrupt = 11,
        Full = 13,
        CannotOpen = 14,
        AskMoved = 20,
        NotADatabase = 26;

    private const string NoSpace = "no space left on device; free some space and do the same again";

    private readonly string _first,
        _again;
    private readonly long? _largestPages;
    private readonly Lock _watching = new();
    private SqlStatements? _watch;
    private volatile bool _opened;

    static SqliteDialect() => SQLitePCL.Batteries_V2.Init();

    /// <param name="file">The file; made where it is missing.</param>
    /// <param name="largestPages">Pages the file may have, as on a disk that has no room for more; null for any.</param>
    public SqliteDialect(string file, long? largestPages = null)
    {
        (Location, _largestPages) = (file, largestPages);
        // A file that goes away later must not be made anew, empty.
        (_first, _again) = (Opening(SqliteOpenMode.ReadWriteCreate), Opening(SqliteOpenMode.ReadWrite));

        string Opening(SqliteOpenMode mode) =>
            new SqliteConnectionStringBuilder
            {
                DataSource = file,
                Mode = mode,
                DefaultTimeout = BusyMilliseconds / 1000,
            }.ConnectionString;
    }

    public string Location { get; }

    /// <summary>A connection that stays, for what is asked again and again.</summary>
    private SqlStatements Watch => _watch ??= new SqlStatements(Open());

    public string WriteWords => "INSERT OR REPLACE INTO words (rowid, labels, tokens) VALUES (@id, @labels, @tokens)";

    public string FindWords =>
        "SELECT rowid FROM words WHERE words MATCH @query AND rowid >= @first AND rowid < @end ORDER BY rank LIMIT @limit";

    public DbConnection Open()
    {
        var connection = new SqliteConnection(_opened ? _again : _first);
        connection.Open();
        _opened = true;
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
    /// <remarks>Asked of a connection that was there from the beginning: a later one to another file of the name would mix it with what
    /// was written ahead for ours.</remarks>
    public void RequireThere()
    {
        lock (_watching)
            if (HasMoved(((SqliteConnection)Watch.Connection).Handle!))
                throw new GemmaScopeException(
                    "the file was deleted, moved or replaced since it was opened; put it back, or start again",
                    Location
                );
    }

    /// <inheritdoc/>
    /// <remarks>The number counts what other connections have changed since this one was opened, so that it has to be the same one every
    /// time.</remarks>
    public string Version()
    {
        lock (_watching)
        {
            RequireThere();
            return string.Create(CultureInfo.InvariantCulture, $"{Watch.Number("PRAGMA data_version")}");
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

    public string Explain(DbException problem) =>
        problem is not SqliteException sqlite
            ? $"the database says: {problem.Message}"
            : sqlite.SqliteErrorCode switch
            {
                Full => NoSpace,
                InputOutput when IsDiskFull() => NoSpace,
                InputOutput =>
                    $"the disk does not read or write ({sqlite.SqliteExtendedErrorCode}: {problem.Message}); check it, or use another one",
                Busy or Locked => "is locked: another process writes to it; wait for it, or stop it",
                ReadOnly => "cannot be written: file or folder are read-only; copy it to a folder that can be written",
                CannotOpen =>
                    "cannot be opened; SQLite writes two more files (-wal, -shm) into its folder: check the rights, or copy it where it can",
                Corrupt =>
                    "is damaged; save what can be read with: sqlite3 FILE .recover, or build and import the dictionaries again into another file",
                NotADatabase => "is no SQLite database, or is encrypted; name another file",
                _ => $"the database says: {problem.Message}",
            };

    private bool IsDiskFull()
    {
        try
        {
            return new DriveInfo(Path.GetFullPath(Location)).AvailableFreeSpace < LeastFree;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void RequireOwn(DbConnection connection, DbTransaction transaction)
    {
        using var command = connection.CreateCommand();
        (command.Transaction, command.CommandText) = (
            transaction,
            "SELECT COUNT(*), COALESCE(SUM(name = 'schema_version'), 0) FROM sqlite_master WHERE type = 'table'"
        );
        using var reader = command.ExecuteReader();
        if (reader.Read() && reader.GetInt64(0) > 0 && reader.GetInt64(1) == 0)
            throw new GemmaScopeException("is a database of another program; name another file", Location);
    }

    public void Dispose()
    {
        lock (_watching)
            _watch?.Dispose();
        foreach (var pool in (string[])[_first, _again])
            SqliteConnection.ClearPool(new SqliteConnection(pool));
    }

    /// <summary>Whether the name of a database leads to another file, or to none (SQLITE_FCNTL_HAS_MOVED), which the binding has no call
    /// for.</summary>
    private static bool HasMoved(SQLitePCL.sqlite3 database)
    {
        var moved = 0;
        var held = false;
        try
        {
            database.DangerousAddRef(ref held);
            return Control(database.DangerousGetHandle(), "main", AskMoved, ref moved) == 0 && moved != 0;
        }
        finally
        {
            if (held)
                database.DangerousRelease();
        }
    }

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_file_control", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Control(nint database, string schema, int operation, ref int argument);
}
