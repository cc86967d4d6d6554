using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace GemmaScope.Store;

/// <summary>
/// Statements with named values on one connection, inside a transaction or not. A text that comes again is prepared once; it names its
/// values in the same order each time.
/// </summary>
internal sealed class SqlStatements(DbConnection connection, DbTransaction? transaction = null) : IDisposable
{
    /// <summary>Instructions of SQLite's machine between two questions: a millisecond at most.</summary>
    private const int InstructionsBetween = 4000;

    private readonly Dictionary<string, DbCommand> _prepared = [];
    private volatile DbCommand? _last;
    private volatile bool _interrupted;

    /// <summary>Whether they were stopped, for good.</summary>
    public bool IsInterrupted => _interrupted;

    /// <summary>The connection they run on.</summary>
    public DbConnection Connection => connection;

    /// <summary>What the key of the table of words is called.</summary>
    public string WordsKey { get; } = connection is Npgsql.NpgsqlConnection ? "id" : "rowid";

    /// <summary>Runs a statement; returns the number of rows it changed.</summary>
    public int Run(string text, params ReadOnlySpan<(string Name, object? Value)> values) => Command(text, values).ExecuteNonQuery();

    /// <summary>The rows of a query.</summary>
    public T[] Rows<T>(string text, Func<DbDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var reader = Command(text, values).ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return [.. rows];
    }

    /// <summary>The number a query finds, or null.</summary>
    public long? Number(string text, params ReadOnlySpan<(string Name, object? Value)> values) =>
        Command(text, values).ExecuteScalar() is { } found and not DBNull ? Convert.ToInt64(found, CultureInfo.InvariantCulture) : null;

    /// <summary>Stops the statement that runs, and each that would follow; may be called from another thread.</summary>
    public void Interrupt()
    {
        _interrupted = true;
        // The driver of SQLite does nothing where a command is cancelled; the statement itself asks from time to time.
        if (connection is not SqliteConnection)
            _last?.Cancel();
    }

    /// <summary>Ends the statements and their connection.</summary>
    public void Dispose()
    {
        // The connection goes back to a pool, and is not to ask us any more.
        if (connection is SqliteConnection { Handle: { } handle })
            raw.sqlite3_progress_handler(handle, 0, null, null);
        foreach (var command in _prepared.Values)
            command.Dispose();
        connection.Dispose();
    }

    /// <summary>Lets each statement ask whether it is still wanted.</summary>
    public SqlStatements Asking()
    {
        if (connection is SqliteConnection { Handle: { } handle })
            raw.sqlite3_progress_handler(handle, InstructionsBetween, _ => _interrupted ? 1 : 0, null);
        return this;
    }

    private DbCommand Command(string text, ReadOnlySpan<(string Name, object? Value)> values)
    {
        if (_interrupted)
            throw new OperationCanceledException();
        if (!_prepared.TryGetValue(text, out var command))
        {
            command = _prepared[text] = connection.CreateCommand();
            (command.CommandText, command.Transaction) = (text, transaction);
        }
        for (var i = 0; i < values.Length; i++)
        {
            if (i == command.Parameters.Count)
            {
                var added = command.CreateParameter();
                added.ParameterName = values[i].Name;
                command.Parameters.Add(added);
            }
            // PostgreSQL's text has no U+0000.
            command.Parameters[i].Value = values[i].Value is string words ? words.Replace('\0', '\uFFFD') : values[i].Value ?? DBNull.Value;
        }
        return _last = command;
    }
}
